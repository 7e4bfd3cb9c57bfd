/**
 * Where a file of the packaged app lies outside of its archive: what other code than Electron's opens by path (shared libraries, addons,
 * models that are mapped) is unpacked beside it. The same path where nothing is packed.
 * @see https://www.electronjs.org/docs/latest/tutorial/asar-archives
 */
export const unpackedPath = (path: string): string => path.replace(/([\\/])app\.asar(?=[\\/])/, '$1app.asar.unpacked');
