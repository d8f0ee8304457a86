/**
 * Exponential moving average s_t = w s_{t-1} + (1 - w) y_t, divided by 1 - w^t so that it does not begin at zero (the
 * bias correction of Adam, arXiv 1412.6980, section 3). NaN stays NaN and is passed over.
 * @param weight w, in [0, 1)
 */
export function smooth(values: readonly number[], weight: number): readonly number[] {
  let [average, correction] = [0, 1];
  return values.map((value) => {
    if (Number.isNaN(value)) return value;
    average = weight * average + (1 - weight) * value;
    correction *= weight;
    return average / (1 - correction);
  });
}
