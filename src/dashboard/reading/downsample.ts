/**
 * Which points of a long curve are drawn: in each of so many buckets the least and the greatest, so that no spike is
 * lost, and the first and the last of all. NaN is no point.
 * @param from first place, `to` the place after the last
 * @returns places in order; all of them where there are few
 */
export function downsample(
  values: readonly number[],
  { from, to, buckets }: { readonly from: number; readonly to: number; readonly buckets: number },
): readonly number[] {
  const places: number[] = [];
  for (let place = from; place < to; place++) if (!Number.isNaN(values[place])) places.push(place);
  if (places.length <= 2 * buckets + 2) return places;

  const chosen = [places[0]!];
  const inner = places.length - 2;
  for (let bucket = 0; bucket < buckets; bucket++) {
    const start = 1 + Math.floor((bucket * inner) / buckets);
    const end = 1 + Math.floor(((bucket + 1) * inner) / buckets);
    let [least, greatest] = [places[start]!, places[start]!];
    for (let i = start + 1; i < end; i++) {
      const place = places[i]!;
      if (values[place]! < values[least]!) least = place;
      if (values[place]! > values[greatest]!) greatest = place;
    }
    if (least === greatest) chosen.push(least);
    else chosen.push(Math.min(least, greatest), Math.max(least, greatest));
  }
  return [...chosen, places.at(-1)!];
}
