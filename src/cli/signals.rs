//! SIGTERM and Ctrl-C: the first asks to end, the last one ends.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::Ended;
use super::failure::Failure;
use super::out::remark;

/// What one more signal asks for.
pub(super) struct Step {
    /// Cancelled by it.
    pub(super) token: CancellationToken,
    /// Said then, if there is something to say.
    pub(super) said: Option<String>,
}

/// Runs `command` with a token that the first signal cancels. `finishing` is said then, if there is something to say.
pub(super) async fn until<F>(finishing: Option<&str>, command: impl FnOnce(CancellationToken) -> F) -> Result<Ended, Failure>
where
    F: Future<Output = Result<Ended, Failure>>,
{
    let token = CancellationToken::new();
    let twice = || Failure::new("failed to end in order: interrupted twice", "What was under way is repaired at the next start.");
    let step = Step { token: token.clone(), said: finishing.map(str::to_owned) };
    // Boxed: commands are large.
    stepwise([step], twice, Box::pin(command(token))).await
}

/// Runs `command`; each signal takes one step, and the one after the last is the failure `lost`.
pub(super) async fn stepwise<const N: usize>(
    steps: [Step; N],
    lost: impl FnOnce() -> Failure,
    command: impl Future<Output = Result<Ended, Failure>>,
) -> Result<Ended, Failure> {
    let failed = |error| Failure::said(format!("failed to listen for signals: {error}"));
    let (mut term, mut int) =
        (signal(SignalKind::terminate()).map_err(failed)?, signal(SignalKind::interrupt()).map_err(failed)?);
    tokio::pin!(command);
    let mut steps = steps.into_iter();
    loop {
        tokio::select! {
            biased;
            ended = &mut command => return ended,
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
        let Some(Step { token, said }) = steps.next() else { return Err(lost()) };
        if let Some(said) = said {
            remark(said);
        }
        token.cancel();
    }
}
