import { useEffect } from "preact/hooks";

/** Keys that work wherever the focus is, unless something is being typed. */
export function useKeys(keys: Readonly<Record<string, (event: KeyboardEvent) => void>>): void {
  useEffect(() => {
    const listener = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const action = keys[event.key];
      if (!action) return;
      event.preventDefault();
      action(event);
    };
    addEventListener("keydown", listener);
    return () => removeEventListener("keydown", listener);
  });
}

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLInputElement
    ? !["checkbox", "button", "range"].includes(target.type)
    : target instanceof HTMLSelectElement || target instanceof HTMLTextAreaElement;

/** Arrow keys among the elements that a selector finds in a container; Home and End go to its ends. */
export function moveFocus(event: KeyboardEvent, selector: string): void {
  const container = event.currentTarget as Element;
  const all = [...container.querySelectorAll<HTMLElement>(selector)];
  const place = all.findIndex((one) => one === document.activeElement || one.contains(document.activeElement));
  if (place === -1) return;
  const next: Readonly<Record<string, number>> = {
    ArrowDown: place + 1,
    ArrowUp: place - 1,
    Home: 0,
    End: all.length - 1,
  };
  const target = all[next[event.key] ?? -1];
  if (!target) return;
  event.preventDefault();
  target.focus();
}
