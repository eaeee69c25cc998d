/** What events are about. */

const RUN = /^\w+\.flow-run\.([0-9a-f-]{36})$/;

/** The id of the flow run that a resource is, if it is one. */
export function runOf(resource: Record<string, string>): string | null {
  return RUN.exec(resource["prefect.resource.id"] ?? "")?.[1] ?? null;
}
