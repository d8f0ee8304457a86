/** @type {import("jest").Config} */
export default {
  testEnvironment: "node",
  roots: ["<rootDir>/tests"],
  testMatch: ["**/*.test.ts"],
  extensionsToTreatAsEsm: [".ts"],
  moduleNameMapper: { "^(\\.{1,2}/.*)\\.js$": "$1" },
  // Types are checked by `npm run typecheck`; here files are only translated, one by one.
  transform: { "^.+\\.ts$": ["ts-jest", { useESM: true, tsconfig: "tsconfig.json" }] },
  cacheDirectory: "<rootDir>/.jest-cache",
  testTimeout: 60_000,
  // Jest would leave one core free; much of a test's time is a server that starts, which takes one.
  maxWorkers: "100%",
};
