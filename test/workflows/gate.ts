/** What stands between a taskmanager and everything it calls: counts, and makes the fault of the day. */
export type Gate = <T>(call: string, act: () => Promise<T>) => Promise<T>
