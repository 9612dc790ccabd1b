/** Writes zip archives: entries as they are given, not compressed (npm compresses the whole package), all with one date. */

import { crc32 } from "node:zlib";

/** A file of an archive. */
export interface ZipEntry {
  /** With "/" between folders. */
  readonly path: string;
  readonly content: Buffer;
}

/** 1 January 1980, the earliest date that a zip can tell, in its own format. */
const date = (1 << 5) | 1;
/** A regular file that its owner may write and everybody may read. */
const mode = 0o100644;

/** The bytes of an archive. The same entries give the same bytes. See APPNOTE.TXT of PKWARE, 4.3. */
export function createZip(entries: readonly ZipEntry[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { path, content } of entries) {
    const name = Buffer.from(path, "utf8");
    const shared = Buffer.alloc(26);
    shared.writeUInt16LE(20, 0); // version 2.0 can read it
    shared.writeUInt16LE(0x0800, 2); // the name is UTF-8
    shared.writeUInt16LE(date, 8); // after the method 0, stored, and the time 0
    shared.writeUInt32LE(crc32(content), 10);
    shared.writeUInt32LE(content.length, 14);
    shared.writeUInt32LE(content.length, 18);
    shared.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04", "latin1"), shared, name, content]);

    const rest = Buffer.alloc(14);
    rest.writeUInt32LE((mode << 16) >>> 0, 6); // after comment, disk and internal attributes
    rest.writeUInt32LE(offset, 10);
    const madeBy = Buffer.from([20, 3]); // version 2.0, on Unix
    directory.push(Buffer.concat([Buffer.from("PK\x01\x02", "latin1"), madeBy, shared, rest, name]));
    parts.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, end]);
}
