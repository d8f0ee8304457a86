import { chartPicture } from "./chart-picture.js";
import type { CurvesChart } from "./curves-chart.js";
import { frontierChart } from "./page/frontier-section.js";
import { ablationCharts, scalingCharts } from "./page/settings-charts.js";
import type { Report } from "./report.js";

/** A figure of the paper as a file. */
export interface ReportPicture {
  /** "frontier.svg" */
  readonly name: string;
  readonly title: string;
  readonly svg: string;
}

/** Figures 1 to 3 of the paper, as far as the report has them. */
export function reportPictures({ frontier, ablation, scaling }: Report): readonly ReportPicture[] {
  return [
    ...(frontier === null ? [] : [pictureOf("frontier", frontierChart(frontier))]),
    ...ablationCharts(ablation).map((chart, i) => pictureOf(`proportion-${fileWord(ablation[i]!.metric.name)}`, chart)),
    ...(scaling === null
      ? []
      : scalingCharts(scaling).map((chart, i) =>
          pictureOf(`size-${fileWord(scaling.metrics[i]!.metric.name)}`, chart),
        )),
  ].flat();
}

function pictureOf(name: string, chart: CurvesChart): readonly ReportPicture[] {
  const svg = chartPicture(chart);
  return svg === null ? [] : [{ name: `${name}.svg`, title: `${chart.title} (${chart.unit})`, svg }];
}

/** "winRate against sft by lexicon" -> "winrate-against-sft-by-lexicon" */
const fileWord = (text: string): string =>
  text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "");
