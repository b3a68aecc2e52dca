// The button with which this device asks for warnings also when the page is closed (web push).

import { byId, data, say, toast } from "./page.js";

const button = () => byId("push");

/** Show the button, where node and browser can do it and somebody is signed in; renew what this browser asked for. */
export async function start() {
  if (!data.push || !("serviceWorker" in navigator) || !("PushManager" in window)) return;
  const worker = await navigator.serviceWorker.register("/push-worker.js").catch(() => null);
  if (!worker) return;
  const known = await worker.pushManager.getSubscription();
  if (known) await tell("subscribe", known);
  show(Boolean(known));
  button().addEventListener("click", () => change(worker).catch(() => toast(say("pushRefused"))));
}

function show(on) {
  button().hidden = false;
  button().textContent = say(on ? "pushStop" : "pushStart");
}

async function change(worker) {
  const known = await worker.pushManager.getSubscription();
  if (known) {
    await tell("unsubscribe", known);
    await known.unsubscribe();
    show(false);
    return;
  }
  const made = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: data.push });
  if (await tell("subscribe", made)) show(true);
  else await made.unsubscribe();
}

async function tell(what, subscription) {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`/push/${what}`, { method: "POST", headers, body: JSON.stringify(subscription) }).catch(() => null);
  if (!answer?.ok) toast(say("noAnswer"));
  return Boolean(answer?.ok);
}
