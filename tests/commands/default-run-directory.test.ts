import { describe, expect, test } from "@jest/globals";
import { defaultRunDirectory } from "../../src/commands/default-run-directory.js";

const recipe = { name: "reviews", seed: 2 };

describe("defaultRunDirectory", () => {
  test("names the recipe, its seed, and what was set", () => {
    expect(defaultRunDirectory(recipe)).toBe("runs/reviews-seed2");
    expect(defaultRunDirectory(recipe, ["policy.reset.proportion=0"])).toBe(
      "runs/reviews-seed2-policy.reset.proportion-0",
    );
  });

  test("does not depend on the order of the settings", () => {
    expect(defaultRunDirectory(recipe, ["a=1", "b=2"])).toBe(defaultRunDirectory(recipe, ["b=2", "a=1"]));
  });

  test("stays short and still tells settings apart", () => {
    const many = (last: string) => defaultRunDirectory(recipe, [`evaluation.judges.${"x".repeat(90)}=${last}`]);
    expect(many("1").length).toBeLessThan(40);
    expect(many("1")).not.toBe(many("2"));
  });
});
