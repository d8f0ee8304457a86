import { fileURLToPath } from "node:url";

/** Folder of this package: the one that holds package.json and server-images. Two levels up from src/server and dist/server. */
export const PACKAGE_ROOT = fileURLToPath(new URL("../../", import.meta.url));
