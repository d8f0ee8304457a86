// The layer rule of docs/architecture.md. Run by `npm run layers`.

/** Each entry is one layer, from the top; an import may only point down. */
const layers = [
  ["cli.ts"],
  ["index.ts"],
  ["commands/", "bench/"],
  ["study/"],
  ["sweep/", "report/", "dashboard/"],
  ["stages/"],
  ["drpo/"],
  ["rpc/", "samplers/", "data/", "run/", "cache/", "server/", "judge/", "rewards/", "user-modules/", "loggers/"],
  ["testbed/"],
  ["durable-files/"],
  ["http/"],
  ["proto-gen/"],
  ["ports/"],
  ["config/"],
  ["domain/"],
  ["math/"],
  ["errors.ts"],
];
const adapters = layers.find((layer) => layer.includes("rpc/"));

const below = (entries) => `^src/(${entries.join("|").replaceAll(".", "\\.")})`;

const downward = layers.slice(1).map((layer, i) => ({
  name: `no-import-upwards-from-${layer.map((entry) => entry.replace(/\/|\.ts$/g, "")).join("-")}`,
  severity: "error",
  from: { path: below(layer) },
  to: { path: below(layers.slice(0, i + 1).flat()) },
}));

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    ...downward,
    {
      name: "only-commands-import-adapters",
      comment: "What another layer needs of an adapter is injected as a port.",
      severity: "error",
      from: {
        path: "^src/",
        pathNot: [below(["commands/", "bench/", "index.ts", ...adapters]), below(["sweep/", "report/", "dashboard/"])],
      },
      to: { path: below(adapters) },
    },
    {
      name: "reports-import-no-adapter-but-run",
      severity: "error",
      from: { path: below(["sweep/", "report/", "dashboard/"]) },
      to: { path: below(adapters.filter((adapter) => adapter !== "run/")) },
    },
    {
      name: "algorithms-and-adapters-are-strangers",
      severity: "error",
      from: { path: below(adapters) },
      to: { path: below(["drpo/", "stages/"]) },
    },
    ...adapters.map((adapter) => ({
      name: `adapters-are-strangers-${adapter.replace("/", "")}`,
      comment: "What one adapter needs of another is injected as a port.",
      severity: "error",
      from: { path: below([adapter]) },
      to: { path: below(adapters.filter((other) => other !== adapter)) },
    })),
    { name: "no-cycles", severity: "error", from: { path: "^src/" }, to: { circular: true } },
    {
      name: "every-file-has-a-layer",
      comment: "A new folder of src/ gets its place in the list above.",
      severity: "error",
      from: {},
      to: { path: "^src/", pathNot: below(layers.flat()) },
    },
    { name: "no-unresolvable", severity: "error", from: { path: "^src/" }, to: { couldNotResolve: true } },
    {
      name: "no-undeclared-packages",
      severity: "error",
      from: { path: "^src/" },
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"] },
    },
    { name: "sources-import-no-tests", severity: "error", from: { path: "^src/" }, to: { path: "^tests/" } },
  ],
  options: {
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: {
      extensions: [".ts", ".tsx", ".js", ".json"],
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default", "types"],
    },
  },
};
