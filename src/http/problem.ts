import { HTTPException } from "hono/http-exception";
import { ApplicationError, errorKinds, toApplicationError } from "../errors.ts";
import { logFailure } from "../observability/log-failure.ts";
import { type ApplicationContext, requestLogger } from "./application.ts";
import { challengeOf } from "./challenge.ts";
import { isOAuthEndpoint, toOAuthError } from "./oauth-error.ts";

/** Answers any error with a problem document (RFC 9457), at OAuth's endpoints as OAuth has it; neither shows a stack, query or secret. */
export function problemResponse(thrown: unknown, context: ApplicationContext): Response {
  const error = thrown instanceof HTTPException ? fromHttpException(thrown) : toApplicationError(thrown);
  const { status, title } = errorKinds[error.kind];
  logFailure(requestLogger(context), error);
  if (isOAuthEndpoint(context.req.path)) return toOAuthError(error);
  return context.json(
    {
      type: "about:blank",
      title,
      status,
      detail: error.message,
      ...(error.fields.length > 0 && { errors: error.fields }),
      request_id: context.get("requestId"),
    },
    status,
    {
      "Content-Type": "application/problem+json",
      ...(error.retryAfter !== undefined && { "Retry-After": String(error.retryAfter) }),
      ...challengeOf(error, context),
    },
  );
}

/** Answers a request whose method its route does not have, naming those it has (RFC 9110 section 15.5.6). */
export function methodNotAllowedResponse(context: ApplicationContext, methods: readonly string[]): Response {
  const allowed = methods.join(", ");
  const response = problemResponse(new ApplicationError("method_not_allowed", `Allowed here: ${allowed}.`), context);
  response.headers.set("Allow", allowed);
  return response;
}

function fromHttpException(exception: HTTPException): ApplicationError {
  const kind = exception.status === 413 ? "payload_too_large" : exception.status < 500 ? "invalid_input" : "internal";
  return new ApplicationError(kind, exception.message || errorKinds[kind].title, { cause: exception });
}
