/** Trove's words for where the members of a set are; the soft ones give way when they cannot be had. */
export const LOCALITIES = ['affinity', 'anti-affinity', 'soft-affinity', 'soft-anti-affinity'] as const
export type Locality = (typeof LOCALITIES)[number]
