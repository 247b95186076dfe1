// Bundles src/report.js with three.js into the Python package; tests hold that the file there was built from this tree.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "..", "gluon_r2n2", "evaluation", "page", "report.js");

// What the bundle depends on: name and content of every source, and the lock that fixes three.js and esbuild.
const sources = [
  ...readdirSync(join(here, "src")).map((name) => `src/${name}`), "build.js", "package.json", "package-lock.json",
].sort();
const digest = createHash("sha256");
for (const name of sources) {
  digest.update(`${name}\0`).update(readFileSync(join(here, name))).update("\0");
}

const three = join(dirname(createRequire(import.meta.url).resolve("three")), "..");
const version = JSON.parse(readFileSync(join(three, "package.json"), "utf8")).version;
const banner = [
  "/*! The script of gluon-r2n2's evaluation report, made by `make web` from web/src; do not edit.",
  `sources sha256 ${digest.digest("hex")}`,
  "",
  `It contains three.js ${version}:`,
  readFileSync(join(three, "LICENSE"), "utf8").trim(),
  "*/",
].join("\n");

await build({
  entryPoints: [join(here, "src", "report.js")],
  outfile: target,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2020",
  charset: "ascii",
  legalComments: "none", // the banner holds the one licence there is
  banner: { js: banner.replaceAll("\u00a9", "(c)") },
  logLevel: "info",
});
