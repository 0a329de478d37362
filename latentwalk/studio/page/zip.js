// Several files as one .zip, none of them packed: images, videos and the like are so already.

const TABLE = Uint32Array.from({ length: 256 }, (_, value) => {
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function crc(bytes) {
  let sum = 0xffffffff;
  for (let at = 0; at < bytes.length; at++) sum = (sum >>> 8) ^ TABLE[(sum ^ bytes[at]) & 255];
  return ~sum >>> 0;
}

// Numbers of two and four bytes, the lowest first, as one header.
function header(...numbers) {
  const out = new DataView(new ArrayBuffer(numbers.reduce((sum, [, size]) => sum + size, 0)));
  let at = 0;
  for (const [value, size] of numbers) { size === 2 ? out.setUint16(at, value, true) : out.setUint32(at, value, true); at += size; }
  return out.buffer;
}

const UTF8 = 1 << 11, OLD = [0, 2], DAY = [33, 2];     // names in UTF-8; no time, and the first day there is

// Files (each a Blob with a name) → Blob. Source: PKWARE's APPNOTE.TXT, 4.3 and 4.4.
export async function zipped(files) {
  const parts = [], listed = [];
  let end = 0, list = 0;
  for (const file of files) {
    const bytes = new Uint8Array(await file.arrayBuffer()), name = new TextEncoder().encode(file.name), size = bytes.length;
    const shared = [[20, 2], [UTF8, 2], [0, 2], OLD, DAY, [crc(bytes), 4], [size, 4], [size, 4], [name.length, 2], [0, 2]];
    parts.push(header([0x04034b50, 4], ...shared), name, bytes);
    listed.push(header([0x02014b50, 4], [20, 2], ...shared, [0, 2], [0, 2], [0, 2], [0, 4], [end, 4]), name);
    end += 30 + name.length + size;
    list += 46 + name.length;
  }
  const tail = header([0x06054b50, 4], [0, 2], [0, 2], [files.length, 2], [files.length, 2], [list, 4], [end, 4], [0, 2]);
  return new Blob([...parts, ...listed, tail]);
}
