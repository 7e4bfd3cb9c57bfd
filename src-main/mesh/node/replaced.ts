/** The same object but for one property. Methods keep their own `this`. */
export function replaced<T extends object, K extends keyof T>(target: T, name: K, value: T[K]): T {
  return new Proxy(target, {
    get: (from, key) => {
      if (key === name) return value;
      const found: unknown = Reflect.get(from, key, from);
      return typeof found === 'function' ? found.bind(from) : found;
    },
  });
}
