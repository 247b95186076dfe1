// Bundles the pages' scripts with three.js into the Python package; tests hold that they were built from this tree.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const bundles = [ // source in src/ -> file in gluon_r2n2/
  { source: "report.js", target: "evaluation/page/report.js", title: "evaluation report" },
  { source: "app.js", target: "serving/page/app.js", title: "web application" },
];

// What the bundles depend on: name and content of every source, and the lock that fixes three.js and esbuild.
const sources = [
  ...readdirSync(join(here, "src")).map((name) => `src/${name}`), "build.js", "package.json", "package-lock.json",
].sort();
const digest = createHash("sha256");
for (const name of sources) {
  digest.update(`${name}\0`).update(readFileSync(join(here, name))).update("\0");
}
const fingerprint = digest.digest("hex");

const three = join(dirname(createRequire(import.meta.url).resolve("three")), "..");
const version = JSON.parse(readFileSync(join(three, "package.json"), "utf8")).version;
const licence = readFileSync(join(three, "LICENSE"), "utf8").trim();

for (const { source, target, title } of bundles) {
  const banner = [
    `/*! The script of gluon-r2n2's ${title}, made by \`make web\` from web/src; do not edit.`,
    `sources sha256 ${fingerprint}`,
    "",
    `It contains three.js ${version}:`,
    licence,
    "*/",
  ].join("\n");
  await build({
    entryPoints: [join(here, "src", source)],
    outfile: join(here, "..", "gluon_r2n2", ...target.split("/")),
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2020",
    charset: "ascii",
    legalComments: "none", // the banner holds the one licence there is
    banner: { js: banner.replaceAll("\u00a9", "(c)") },
    logLevel: "info",
  });
}
