// Shows the warnings that come in while no page is open, and opens the page. It keeps nothing, and fetches nothing.

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
  const { title, body, tag, closed } = event.data.json();
  event.waitUntil(self.registration.showNotification(title, { body, tag, renotify: !closed, requireInteraction: !closed }));
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open());
});

async function open() {
  const pages = await self.clients.matchAll({ type: "window" });
  return pages.length ? pages[0].focus() : self.clients.openWindow("/");
}
