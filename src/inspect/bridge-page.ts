/** The page that hands what it is told to the inspector that it frames. */

/**
 * Makes the page. What the frame gets is what `@statelyai/inspect`'s own window would get: it says "@statelyai.connected", and every event is posted to it.
 * @param viewerUrl the inspector; only its origin is told anything
 */
export function bridgePage(viewerUrl: string): { html: string; contentSecurityPolicy: string } {
  const { origin, href } = new URL(viewerUrl);
  const script = `
    const frame = document.getElementById("inspector");
    const origin = ${JSON.stringify(origin)};
    let waiting = [];
    const tell = (event) => {
      if (waiting === undefined) frame.contentWindow.postMessage(event, origin);
      else waiting.push(event);
    };
    addEventListener("message", ({ data, origin: from }) => {
      if (from !== origin || data?.type !== "@statelyai.connected" || waiting === undefined) return;
      const late = waiting;
      waiting = undefined;
      late.forEach(tell);
    });
    const connect = () => {
      const socket = new WebSocket("ws://" + location.host + "/");
      socket.onmessage = ({ data }) => tell(JSON.parse(data));
      socket.onclose = () => setTimeout(connect, 1000);
    };
    connect();
    frame.src = ${JSON.stringify(href)};
  `.replaceAll("</", "<\\/");
  const html = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Stately Inspector</title>
<style>html, body, iframe { height: 100%; width: 100%; margin: 0; border: 0; }</style>
<iframe id="inspector" title="Stately Inspector" referrerpolicy="no-referrer"></iframe>
<script>${script}</script>
</html>
`;
  const policy = `default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self' ws:; frame-src ${origin}`;
  return { html, contentSecurityPolicy: policy };
}
