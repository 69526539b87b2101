import { useEffect, useRef } from "react";

/** Calls when the element comes near to what is seen. In a frame as tall as its content that is the vendor's page's view. */
export function useNearEnd(enabled: boolean, near: () => void) {
  const element = useRef<HTMLDivElement>(null);
  const call = useRef(near);
  call.current = near;
  useEffect(() => {
    const target = element.current;
    if (!enabled || target === null) return;
    const observer = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && call.current());
    observer.observe(target);
    return () => observer.disconnect();
  }, [enabled]);
  return element;
}
