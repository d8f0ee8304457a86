import { curvesChart, type CurvesChart } from "../curves-chart.js";
import type { Frontier } from "../figures/frontier.js";
import { html, type Html } from "../html.js";

/** Figures 1 and 2 of the paper. */
export function frontierChart({ curves, sftScore, referenceScore }: Frontier): CurvesChart {
  const level = (label: string, y: number | null) => (y === null ? [] : [{ label, y }]);
  return {
    ...{ title: "Score by KL", unit: "reward score", xName: "KL to SFT, nats a response", isWide: true },
    curves: curves.map(({ group, colour, points }) => ({ label: group, colour, points, spread: "band" })),
    levels: [...level("SFT", sftScore), ...level("reference", referenceScore)],
  };
}

export function frontierSection(frontier: Frontier): Html {
  const { curves } = frontier;
  return html`<section id="frontier">
    <h2>Reward against KL</h2>
    <p class="note">
      Held-out responses, binned by their KL to SFT: mean KL and mean score of each bin. Further up at the same KL is
      better.${curves.some(({ points }) => points.some(({ seeds }) => seeds > 1)) ? " Bands: lowest to highest seed." : ""}
    </p>
    ${curvesChart(frontierChart(frontier))}
  </section>`;
}
