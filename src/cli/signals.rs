//! SIGTERM and Ctrl-C: the first asks to end, the second ends.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::Ended;
use super::failure::Failure;
use super::out::remark;

/// Runs `command` with a token that the first signal cancels. `finishing` is said then, if there is something to say.
pub(super) async fn until<F>(finishing: Option<&str>, command: impl FnOnce(CancellationToken) -> F) -> Result<Ended, Failure>
where
    F: Future<Output = Result<Ended, Failure>>,
{
    let failed = |error| Failure::said(format!("failed to listen for signals: {error}"));
    let (mut term, mut int) =
        (signal(SignalKind::terminate()).map_err(failed)?, signal(SignalKind::interrupt()).map_err(failed)?);
    let token = CancellationToken::new();
    let command = command(token.clone());
    tokio::pin!(command);
    let mut asked = false;
    loop {
        tokio::select! {
            biased;
            ended = &mut command => return ended,
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
        if asked {
            return Err(Failure::new(
                "failed to end in order: interrupted twice",
                "What was under way is repaired at the next start.",
            ));
        }
        asked = true;
        if let Some(finishing) = finishing {
            remark(finishing);
        }
        token.cancel();
    }
}
