"""LavaTop and CloudPayments: their APIs stand here, their webhooks are sent from here."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from club.kit import Json

CP_SECRET = "synthetic-cp-secret"
LAVA_SECRET = "synthetic-lava-webhook-secret-000000"
LAVA_KEY = "synthetic-lava-api-key-0000000000000"
DAY = 86_400
CALLS: list[tuple[str, str, Json]] = []
INVOICES: dict[str, str] = {}


class Api(BaseHTTPRequestHandler):
    """Both providers' APIs, as their public documents have them."""

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(size)
        try:
            body = json.loads(raw) if raw else {}
        except ValueError:
            body = {"raw": raw.decode(errors="replace")}
        path = self.path.partition("?")[0]
        CALLS.append((self.command, self.path, body))
        answer: Any = {"Success": True, "Message": None, "Model": {}}
        if path.endswith("/invoice"):
            id = f"00000000-0000-4000-8000-{len(CALLS):012d}"
            INVOICES[id] = "in-progress"
            answer = {
                "id": id,
                "status": "new",
                "amountTotal": {"currency": "RUB", "amount": 2000},
                "paymentUrl": f"https://app.lava.example/pay/{id}",
            }
        elif "/invoices/" in path:
            id = path.rsplit("/", 1)[1]
            answer = {
                "id": id,
                "type": "ONE_TIME",
                "datetime": "2026-11-22T12:00:00Z",
                "status": INVOICES.get(id, "new"),
                "receipt": {"amount": 2000, "currency": "RUB", "fee": 0},
                "buyer": {"email": "a@example.test", "cardMask": None},
                "product": {"name": "Клуб", "offer": "836b9fc5-7ae9-4a27-9642-592bc44072b7"},
            }
        elif path.endswith("orders/create"):
            number = str(len(CALLS))
            answer["Model"] = {
                "Id": f"order{number}",
                "Number": int(number),
                "Amount": body.get("Amount"),
                "Url": f"https://orders.cp.example/d/order{number}",
            }
        elif path.endswith("payments/find"):
            answer = {"Success": False, "Message": "Not found"}
        elif path.endswith("payments/refund"):
            answer["Model"] = {"TransactionId": 900_000 + len(CALLS)}
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def apis() -> Iterator[dict[str, str]]:
    """The settings that lead the service here."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield {
            "CLOUDPAYMENTS_PUBLIC_ID": "pk_synthetic",
            "CLOUDPAYMENTS_API_SECRET": CP_SECRET,
            "CLOUDPAYMENTS_API_URL": base,
            "LAVATOP_API_KEY": LAVA_KEY,
            "LAVATOP_WEBHOOK_SECRET": LAVA_SECRET,
            "LAVATOP_API_URL": base,
        }
    finally:
        server.shutdown()
