import type { ComponentChildren, JSX } from "preact";

/** Something wide that scrolls sideways, by the keyboard too. */
export const ScrollRegion = ({
  label,
  children,
}: {
  readonly label: string;
  readonly children: ComponentChildren;
}): JSX.Element => (
  <div class="scroll" role="region" aria-label={label} tabIndex={0}>
    {children}
  </div>
);
