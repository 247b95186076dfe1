// Pictures of a camera -> pictures that travel fast: no larger than what the server looks at.

const LONGEST = 2048; // pixels of a side: the server looks for the object in no larger picture
const SMALL = 1_000_000; // bytes: what has fewer is sent as it is
const PHOTOGRAPH = /^image\/(jpeg|hei[cf])$/; // types without transparency
const FOREIGN = /^image\/hei[cf]$/; // types that some browsers read, but the server does not
const QUALITY = 0.92;

/**
 * The picture as it is to be sent: a large one, or one of a type that only the browser knows, is drawn anew with at
 * most LONGEST pixels a side, upright, as JPEG, or as WebP where it may be transparent. What the browser cannot read,
 * or what would not become smaller, is returned as it is: the server says what is wrong with it.
 */
export async function forSending(file) {
  if (file.size <= SMALL && !FOREIGN.test(file.type)) return file;
  try {
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, LONGEST / Math.max(picture.width, picture.height));
    const [width, height] = [picture.width, picture.height].map((side) => Math.max(1, Math.round(side * scale)));
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(picture, 0, 0, width, height);
    picture.close(); // 12 megapixels are 48 MB
    const type = PHOTOGRAPH.test(file.type) ? "image/jpeg" : "image/webp";
    const blob = await new Promise((done) => { canvas.toBlob(done, type, QUALITY); });
    canvas.width = 0; // frees the pixels now
    if (!blob || (blob.size >= file.size && !FOREIGN.test(file.type))) return file;
    return new File([blob], file.name, { type: blob.type });
  } catch {
    return file;
  }
}
