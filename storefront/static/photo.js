// A shopper's photo: small enough to travel, and without what a camera wrote into it.

const LONGEST_SIDE = 1280;
const QUALITY = 0.88;

export class NotAPhoto extends Error {}

/** A JPEG of the photo, upright. Throws NotAPhoto for what the browser cannot open. */
export async function prepare(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    throw new NotAPhoto();
  }
  const scale = Math.min(1, LONGEST_SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.fillStyle = "#fff"; // where the picture is transparent
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const photo = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
  if (!photo) throw new NotAPhoto();
  return photo;
}

/** The first picture among files that were dropped or pasted; else the first file; else undefined. */
export function pictureAmong(transfer) {
  const files = [...(transfer?.files ?? [])];
  return files.find((file) => file.type.startsWith("image/")) ?? files[0];
}
