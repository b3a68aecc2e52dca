// An OpenID provider on loopback: node serve.mjs PORT REDIRECT_URI POST_LOGOUT_URI. Whoever signs in as "jo" is an operator.
import { Provider } from "oidc-provider";

const [port, redirectUri, postLogoutUri] = process.argv.slice(2);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: "ruimte",
      client_secret: "a secret & of the client",
      redirect_uris: [redirectUri],
      post_logout_redirect_uris: [postLogoutUri],
    },
  ],
  claims: { openid: ["sub"], profile: ["name"], groups: ["groups"] },
  scopes: ["openid", "profile", "groups"],
  conformIdTokenClaims: false,
  cookies: { keys: ["only for tests"] },
  async findAccount(_, id) {
    const claims = { sub: id, name: "Jo Jansen", groups: id === "jo" ? ["crowd-operators"] : [] };
    return { accountId: id, claims: async () => claims };
  },
});
provider.on("server_error", (_, error) => console.error(error));
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
