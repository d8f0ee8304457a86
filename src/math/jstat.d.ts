declare module "jstat" {
  const jstat: {
    readonly studentt: {
      /** P(T <= x). */
      cdf(x: number, degreesOfFreedom: number): number;
      /** x with P(T <= x) = p, within about 1e-7 of it. */
      inv(p: number, degreesOfFreedom: number): number;
    };
  };
  export default jstat;
}
