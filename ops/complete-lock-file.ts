import { readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { z } from "zod";

// npm leaves a platform's package out of the lock file where it could not look it up, and `npm ci` then refuses the
// lock file on every platform. This adds what is missing: name and version from the package that wants it, the
// platform from the name. It has no integrity to add; npm checks that of what it can look up.

const lockFileSchema = z.looseObject({ packages: z.record(z.string(), z.record(z.string(), z.unknown())) });
const packageSchema = z.object({
  version: z.string().optional(),
  dev: z.boolean().optional(),
  optionalDependencies: z.record(z.string(), z.string()).default({}),
});

const systems = ["aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "win32"];
const processors = ["arm64", "arm", "ia32", "loong64", "mips64el", "ppc64", "riscv64", "s390x", "x64", "wasm32"];

const {
  positionals: [path = "package-lock.json"],
} = parseArgs({ allowPositionals: true });
const lockFile = lockFileSchema.parse(JSON.parse(await readFile(path, "utf8")));

const versionAt = (location: string) => packageSchema.parse(lockFile.packages[location] ?? {}).version;

let added = 0;
for (const [parent, entry] of Object.entries(lockFile.packages)) {
  const { dev, optionalDependencies } = packageSchema.parse(entry);
  for (const [name, version] of Object.entries(optionalDependencies)) {
    // Where npm looks and where it places: within the parent, beside it, at the top.
    const places = [`${parent}/`, parent.slice(0, parent.lastIndexOf("node_modules/")), ""].map(
      (folder) => `${folder}node_modules/${name}`,
    );
    const isExact = /^\d/.test(version);
    const placed = places.map(versionAt).filter((found) => found !== undefined);
    if (isExact ? placed.includes(version) : placed.length > 0) continue;
    const place = places.findLast((candidate) => versionAt(candidate) === undefined);
    const platform = platformOf(name);
    if (place === undefined || platform === undefined || !isExact) {
      throw new Error(`${name}@${version} is missing from ${path}, and it is not known how to add it`);
    }
    lockFile.packages[place] = { version, ...platform, ...(dev && { dev }), optional: true };
    added += 1;
  }
}
lockFile.packages = Object.fromEntries(Object.entries(lockFile.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
await writeFile(path, `${JSON.stringify(lockFile, null, 2)}\n`);
console.log(`${path}: ${added} packages of other platforms added`);

function platformOf(name: string): { os?: string[]; cpu: string[]; libc?: string[] } | undefined {
  const words = name.split(/[-/]/).map((word) => (word === "windows" ? "win32" : word));
  const cpu = words.includes("64") ? ["x64"] : processors.filter((processor) => words.includes(processor));
  const os = systems.filter((system) => words.includes(system));
  if (cpu.length === 0 || (os.length === 0 && !cpu.includes("wasm32"))) return undefined;
  if (os.includes("linux") && words.includes("musl")) return { os, cpu, libc: ["musl"] };
  if (os.includes("linux") && words.includes("gnu")) return { os, cpu, libc: ["glibc"] };
  return os.length === 0 ? { cpu } : { os, cpu };
}
