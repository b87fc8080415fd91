// Copyright (c) 2026, the aritma.iam contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// A certified OpenID provider that replaces Aritma ID. It asks the simulator, whose address is the only argument, for
// clients and live secrets. It prints its own address, and ends when its standard input is closed.

import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const simulator = process.argv[2];
const SCOPES = ["services.iam", "services.banking", "services.documents", "api"];
const BROKEN = "broken";

async function ask(path, data) {
  const options = data && { method: "POST", body: JSON.stringify(data) };
  const answer = await fetch(`${simulator}/_sim${path}`, options);
  return answer.json();
}

class Adapter {
  constructor(kind) {
    this.kind = kind;
  }

  async find(id) {
    if (this.kind !== "Client") return undefined;
    if (id === BROKEN) throw new Error("the store of clients is down");
    const { clients } = await ask(`/state?client_id=${encodeURIComponent(id)}`);
    return clients[0] && metadata(clients[0]);
  }

  async upsert() {} // tokens are issued but never verified here
}

function metadata(client) {
  return {
    client_id: client.client_id,
    client_secret: "one of those of the simulator",
    grant_types: client.allowed_grant_types,
    redirect_uris: client.redirect_uris,
    response_types: client.redirect_uris.length ? ["code"] : [],
    scope: client.allowed_scopes.join(" "),
  };
}

function provider(issuer, path, clientCredentials) {
  const made = new Provider(issuer, {
    adapter: Adapter,
    features: { clientCredentials: { enabled: clientCredentials }, devInteractions: { enabled: false } },
    routes: { token: path },
    scopes: SCOPES,
    ttl: { ClientCredentials: 600 },
  });
  made.Client.prototype.compareClientSecret = async function isLive(value) {
    const { live } = await ask("/check", { client_id: this.clientId, value });
    return live.length > 0;
  };
  return made.callback();
}

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const url = `http://127.0.0.1:${server.address().port}`;
  const whole = provider(url, "/acme/connect/token", true);
  const without = provider(url, "/nogrant/connect/token", false);
  server.on("request", (request, response) => (request.url.startsWith("/nogrant/") ? without : whole)(request, response));
  console.log(url);
});
process.stdin.on("end", () => process.exit(0)).resume();
