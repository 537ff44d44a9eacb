/**
 * The one place that knows where a worker's compiled file lies: beside the file that starts it, with
 * that file's own extension (`.js` compiled, `.ts` where Node strips types).
 */
export function workerUrl(name: string, from: string): URL {
  const extension = from.slice(from.lastIndexOf('.'));
  return new URL(`./${name}${extension}`, from);
}
