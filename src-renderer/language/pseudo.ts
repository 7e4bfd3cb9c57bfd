/** A tree of texts as language files have it. */
type Tree<T> = T extends string ? string : T extends (...args: infer A) => string ? (...args: A) => string : { readonly [K in keyof T]: Tree<T[K]> };

const [PLAIN, ACCENTED] = ['abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ', 'ȧƀƈḓḗƒɠħīĵķŀḿƞǿƥɋřşŧŭṽẇẋẏẑȦƁƇḒḖƑƓĦĪĴĶĿḾȠǾƤɊŘŞŦŬṼẆẊẎẐ'];
const accent = (text: string): string => `⟦${[...text].map((letter) => ACCENTED[PLAIN.indexOf(letter)] ?? letter).join('')}⟧`;

/** A language that nobody speaks: every text marked and accented, so that one which is in no language file is seen at once (the code `en-XA` by custom). */
export function pseudo<const T>(texts: T): Tree<T> {
  if (typeof texts === 'string') return accent(texts) as Tree<T>;
  if (typeof texts === 'function') return ((...args: readonly unknown[]) => accent(String(texts(...args)))) as Tree<T>;
  return Object.fromEntries(Object.entries(texts as object).map(([key, value]) => [key, pseudo(value)])) as Tree<T>;
}
