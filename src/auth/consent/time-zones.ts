const listed: readonly string[] = ["UTC", ...Intl.supportedValuesOf("timeZone").filter((name) => name !== "UTC")];

/**
 * The time zones that a person chooses from.
 *
 * @param chosen is among them, whatever name it goes by: the platform lists each zone by one of its names only
 */
export function timeZonesWith(chosen: string): readonly string[] {
  return listed.includes(chosen) ? listed : [chosen, ...listed];
}
