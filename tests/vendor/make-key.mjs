// Makes the vendor's key pair: `node make-key.mjs DIR` writes DIR/private.pem, for the vendor's backend alone, and
// DIR/public.pem, which goes into Matricula's list of vendors. A pair that is there already stays.

import { generateKeyPairSync } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const folder = process.argv[2];
if (!folder) {
  console.error("Usage: node make-key.mjs DIR");
  process.exit(2);
}
mkdirSync(folder, { recursive: true });
if (!existsSync(join(folder, "private.pem"))) {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  writeFileSync(join(folder, "private.pem"), privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  writeFileSync(join(folder, "public.pem"), publicKey.export({ type: "spki", format: "pem" }));
}
