/** A benchmark that hangs is a bug to be told, not to be waited for. */

/** Settles as `promise` does; rejects when `ms` milliseconds pass first. */
export async function within<T>(ms: number, what: string, promise: Promise<T>): Promise<T> {
  const overdue = Promise.withResolvers<never>();
  const timer = setTimeout(() => overdue.reject(new Error(`${what} took longer than ${ms} ms`)), ms);
  try {
    return await Promise.race([promise, overdue.promise]);
  } finally {
    clearTimeout(timer);
  }
}
