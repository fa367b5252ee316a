import { Layout } from "./layout.tsx";

interface MessageProps {
  readonly title: string;
  readonly text: string;
  /** Whether something went wrong. */
  readonly isFailure?: boolean;
  /** What a person can do next. */
  readonly next?: { readonly label: string; readonly url: string };
}

/** Tells a person one thing, and what they can do next. */
export function MessagePage({ title, text, isFailure = false, next }: MessageProps) {
  return (
    <Layout title={title} hasErrors={isFailure}>
      <h1>{title}</h1>
      <p>{text}</p>
      {next !== undefined && (
        <div class="actions">
          <a class="button primary" href={next.url}>
            {next.label}
          </a>
        </div>
      )}
    </Layout>
  );
}
