import { adaptKlCoef } from "../math/adaptive-kl.js";

/** klCoef of the next iteration: as it is, or moved towards the target by what this one's rollouts measured. */
export function nextKlCoef(
  klCoef: number,
  metrics: Readonly<Record<string, number>>,
  rollouts: number,
  adaptive: { readonly target: number; readonly horizon: number } | null,
): number {
  return adaptive === null ? klCoef : adaptKlCoef({ klCoef, kl: metrics["kl"] ?? 0, rollouts, ...adaptive });
}
