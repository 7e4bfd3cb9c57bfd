import { useEffect, useRef, useState } from 'react';

/** A value that may change many times a second, shown at most once in a while, the newest last: nobody reads figures faster, and a table of hundreds is dear to draw. */
export function useCalm<T>(value: T, everyMs: number): T {
  const [shown, setShown] = useState(value);
  const lastMs = useRef(Number.NEGATIVE_INFINITY);
  useEffect(() => {
    const timer = setTimeout(() => {
      lastMs.current = performance.now();
      setShown(value);
    }, Math.max(0, lastMs.current + everyMs - performance.now()));
    return () => clearTimeout(timer);
  }, [value, everyMs]);
  return shown;
}
