// The worker loads these with the first request that needs them. Vite takes seconds to transform them, which would count
// against the time of whichever test comes first.
import "../../src/chat/conversation/conversation-object.ts";
import "../../src/chat/conversation/message-handlers.ts";
import "../../src/chat/conversation/conversation-handlers.ts";
import "../../src/auth/oauth/access-token.ts";
import "../../src/export/handlers.ts";
import "../../src/http/account-change-handlers.ts";
import "../../src/http/account-handlers.ts";
import "../../src/http/consent-handlers.ts";
import "../../src/http/oauth-handlers.ts";
import "../../src/http/token-handlers.ts";
import "../../src/http/account-page-handlers.ts";
import "../../src/http/client-handlers.ts";
import "../../src/http/password-handlers.ts";
import "../../src/http/tool-handlers.ts";
import "../../src/mcp/handlers.ts";
import "../../src/mcp/server-card-handlers.ts";
import "../../src/mcp/session/session-object.ts";
import "../../src/observability/sentry-event.ts";
import "../../src/openapi/handlers.ts";
import "../../src/schedule/run-schedule.ts";
