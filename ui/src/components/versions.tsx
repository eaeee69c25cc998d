/** What a deployment was, version after version, and the way back. */
import { useQuery } from "@tanstack/react-query";

import { api, type Deployment, good } from "../api/client";
import * as ask from "../api/queries";
import { useAct } from "./act";
import { Button, Card, Failure, Loading, Table, When } from "./basics";

export function Versions({ deployment, close }: { deployment: Deployment; close: () => void }) {
  const found = useQuery(ask.versions(deployment.id));
  const goBack = useAct((number: number) =>
    good(
      api.POST("/api/deployments/{deployment_id}/rollback", {
        params: { path: { deployment_id: deployment.id } },
        body: { version_number: number },
      }),
    ),
  );
  if (!found.data) return found.error ? <Failure error={found.error} /> : <Loading what="versions" />;
  return (
    <Card title={`Versions of ${deployment.name}`}>
      {goBack.error && <Failure error={goBack.error} />}
      <Table
        label="Versions"
        rows={found.data}
        id={(each) => String(each.number)}
        columns={[
          { title: "Number", cell: (each) => each.number },
          { title: "Version", cell: (each) => each.version },
          { title: "Image", wide: true, cell: (each) => each.image ?? each.entrypoint },
          { title: "Made", cell: (each) => <When at={each.created} /> },
          { title: "Is again", cell: (each) => each.rolled_back_to && `number ${each.rolled_back_to}` },
          {
            title: "Action",
            cell: (each) =>
              each.number === deployment.version_number ? (
                "present"
              ) : (
                <Button disabled={goBack.isPending} onClick={() => goBack.mutate(each.number)}>
                  Go back to {each.number}
                </Button>
              ),
          },
        ]}
      />
      <p className="mt-3">
        <Button onClick={close}>Close</Button>
      </p>
    </Card>
  );
}
