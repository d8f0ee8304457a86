import { useEffect, useRef, useState } from "preact/hooks";

/** A value that changes at most so often: the first change at once, the last one of many in the end. */
export function useSlowly<T>(value: T, everyMs = 250): T {
  const [shown, setShown] = useState(value);
  const changedAt = useRef(0);
  useEffect(() => {
    const show = () => {
      changedAt.current = Date.now();
      setShown(value);
    };
    const timer = setTimeout(show, Math.max(changedAt.current + everyMs - Date.now(), 0));
    return () => clearTimeout(timer);
  }, [value, everyMs]);
  return shown;
}
