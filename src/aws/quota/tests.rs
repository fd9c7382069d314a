use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;

use super::*;
use crate::aws::testing::{TokioClock, quota, region};

fn fail(kind: FailureKind) -> Fail {
    Fail::new(kind, "said the test")
}

/// Calls until the tries are used up; how many there were.
async fn tries(quota: &Quota, operation: Operation, retry: Retry, kind: FailureKind) -> u32 {
    let count = AtomicU32::new(0);
    let result: Result<(), _> = quota
        .call(&region(), operation, retry, || async {
            count.fetch_add(1, Ordering::Relaxed);
            Err(fail(kind))
        })
        .await;
    assert_eq!(result.unwrap_err().kind, kind);
    count.into_inner()
}

#[tokio::test(start_paused = true)]
async fn reads_stay_within_the_share_and_use_all_of_it() {
    let clock = Arc::new(TokioClock::new());
    let quota = quota(clock.clone(), 60);
    let mut in_100_s = 0;
    while clock.elapsed() < Duration::from_secs(100) {
        quota.call(&region(), Operation::GetFindings, Retry::READ, || async { Ok::<_, Fail>(()) }).await.unwrap();
        in_100_s += 1;
    }
    // A burst of 3.6 and 1.8 a second; the last one is taken at the end of the 100 s.
    assert!((183..=185).contains(&in_100_s), "{in_100_s}");
}

#[tokio::test(start_paused = true)]
async fn many_callers_share_one_bucket_and_are_served_in_order() {
    let clock = Arc::new(TokioClock::new());
    let quota = quota(clock.clone(), 100);
    let order = Mutex::new(Vec::new());
    let calls = (0..60).map(|n| {
        let (quota, order) = (&quota, &order);
        async move {
            let done = async || {
                order.lock().unwrap().push(n);
                Ok::<_, Fail>(())
            };
            quota.call(&region(), Operation::GetFindings, Retry::READ, || Box::pin(done())).await.unwrap();
        }
    });
    futures::future::join_all(calls).await;
    assert_eq!(*order.lock().unwrap(), (0..60).collect::<Vec<_>>());
    assert_eq!(clock.elapsed().as_secs(), 18, "6 at once, 54 at 3 a second");
}

#[tokio::test(start_paused = true)]
async fn regions_and_classes_have_buckets_of_their_own() {
    let clock = Arc::new(TokioClock::new());
    let quota = quota(clock.clone(), 100);
    let other: Region = "us-east-1".parse().unwrap();
    for _ in 0..6 {
        for place in [&region(), &other] {
            quota.call(place, Operation::GetFindings, Retry::READ, || async { Ok::<_, Fail>(()) }).await.unwrap();
            quota.call(place, Operation::BatchUpdateFindings, Retry::WRITE, || async { Ok::<_, Fail>(()) }).await.unwrap();
            quota.call(place, Operation::ReceiveMessage, Retry::READ, || async { Ok::<_, Fail>(()) }).await.unwrap();
        }
    }
    assert_eq!(clock.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn tries_are_bounded_by_what_failed_and_by_whether_it_may_be_repeated() {
    use FailureKind::{AccessDenied, Invalid, Stopped, Throttled, Transient, Unreachable};
    let quota = quota(Arc::new(TokioClock::new()), 100);
    for (retry, kind, expected) in [
        (Retry::READ, Throttled, 8),
        (Retry::READ, Transient, 5),
        (Retry::READ, Unreachable, 3),
        (Retry::READ, Invalid, 1),
        (Retry::READ, AccessDenied, 1),
        (Retry::READ, Stopped, 1),
        (Retry::WRITE, Throttled, 8),
        (Retry::WRITE, Transient, 1),
        (Retry::WRITE, Unreachable, 1),
    ] {
        assert_eq!(tries(&quota, Operation::DescribeHub, retry, kind).await, expected, "{retry:?} {kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_service_is_not_asked_before_it_said() {
    let clock = Arc::new(TokioClock::new());
    let quota = quota(clock.clone(), 100);
    let first = AtomicU32::new(0);
    let waited = quota
        .call(&region(), Operation::DescribeHub, Retry::READ, || async {
            match first.fetch_add(1, Ordering::Relaxed) {
                0 => Err(Fail { retry_after: Some(Duration::from_secs(42)), ..fail(FailureKind::Throttled) }),
                _ => Ok(clock.elapsed()),
            }
        })
        .await
        .unwrap();
    assert!((42..=43).contains(&waited.as_secs()), "{waited:?}");
}

/// One call after the other; the service throttles the first try of those whose number `throttles` names.
async fn calls(quota: &Quota, numbers: std::ops::Range<usize>, throttles: impl Fn(usize) -> bool + Sync) {
    for number in numbers {
        let tries = AtomicU32::new(0);
        let call = || async {
            let first = tries.fetch_add(1, Ordering::Relaxed) == 0;
            if first && throttles(number) { Err(fail(FailureKind::Throttled)) } else { Ok(()) }
        };
        quota.call(&region(), Operation::GetFindings, Retry::READ, call).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn throttles_give_way_once_for_all_calls_under_way_and_success_brings_the_rate_back() {
    let clock = Arc::new(TokioClock::new());
    let quota = quota(clock.clone(), 100);
    let share = 3.0;
    let throttled_once = (0..6).map(|_| {
        let (quota, clock) = (&quota, &clock);
        async move {
            let first = AtomicU32::new(0);
            let call = || async {
                clock.sleep(Duration::from_millis(100)).await;
                let nth = first.fetch_add(1, Ordering::Relaxed);
                if nth == 0 { Err(fail(FailureKind::Throttled)) } else { Ok(()) }
            };
            quota.call(&region(), Operation::GetFindings, Retry::READ, call).await.unwrap();
        }
    });
    let lowered = async {
        clock.sleep(Duration::from_millis(150)).await;
        quota.rate(&region(), Class::GetFindings)
    };
    let (_, rate) = tokio::join!(futures::future::join_all(throttled_once), lowered);
    assert!((rate - share * DECREASE).abs() < 1e-9, "{rate}");
    calls(&quota, 0..50, |_| false).await;
    assert!((quota.rate(&region(), Class::GetFindings) - share).abs() < 1e-9);
}

#[tokio::test(start_paused = true)]
async fn one_throttle_among_many_calls_changes_nothing_and_the_second_gives_way() {
    let quota = quota(Arc::new(TokioClock::new()), 100);
    let rate = || quota.rate(&region(), Class::GetFindings);
    // One in 25.
    for round in 0..20 {
        calls(&quota, round * 25..(round + 1) * 25, |number| number % 25 == 0).await;
        assert!((rate() - 3.0).abs() < 1e-9, "{}", rate());
    }
    // Two in ten: the first is noise, the second is not.
    let before_second = 3.0 * DECREASE + 3.0 * RECOVERY;
    calls(&quota, 0..10, |number| number == 0 || number == 9).await;
    assert!((rate() - before_second).abs() < 1e-9, "{}", rate());
}

#[tokio::test(start_paused = true)]
async fn one_throttle_in_a_hundred_costs_no_more_than_the_calls_that_are_made_again() {
    let clock = Arc::new(TokioClock::new());
    let quota = quota(clock.clone(), 60);
    let rng = crate::aws::testing::Seeded::new(3);
    let throttled: Vec<bool> = (0..1000).map(|_| rng.fraction() < 0.01).collect();
    let some = throttled.iter().filter(|throttled| **throttled).count();
    assert!((5..=20).contains(&some), "{some}");
    // Two callers, as in a full read: while one backs off, the other goes on.
    let (one, two) = throttled.split_at(500);
    let each = |part: &[bool]| {
        let part = part.to_vec();
        let quota = &quota;
        async move { calls(quota, 0..500, |number| part[number]).await }
    };
    tokio::join!(each(one), each(two));
    let fewest = (1000.0 - 3.6) / 1.8;
    let took = clock.elapsed().as_secs_f64();
    assert!(took <= 1.03 * fewest, "{took} s, {fewest} without a throttle");
}

/// A service that lets `rate` calls a second through, with a small burst.
struct Service {
    clock: Arc<TokioClock>,
    state: Mutex<(f64, Duration)>,
}

impl Service {
    fn takes(&self, rate: f64) -> Result<(), Fail> {
        let now = self.clock.elapsed();
        let mut state = self.state.lock().unwrap();
        state.0 = (state.0 + now.saturating_sub(state.1).as_secs_f64() * rate).min(2.0);
        state.1 = now;
        if state.0 < 1.0 {
            return Err(fail(FailureKind::Throttled));
        }
        state.0 -= 1.0;
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn beside_a_tool_that_eats_most_of_the_quota_we_adapt_without_a_storm_and_come_back() {
    let clock = Arc::new(TokioClock::new());
    let attempts = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&attempts);
    let quota = Quota::new(clock.clone(), Arc::new(crate::aws::testing::Seeded::new(7)), Share::percent(60)).with_observer(
        Arc::new(move |_: &Attempt<'_>| {
            counter.fetch_add(1, Ordering::Relaxed);
        }),
    );
    let service = Service { clock: clock.clone(), state: Mutex::new((2.0, Duration::ZERO)) };
    let (home, ten_minutes) = (region(), Duration::from_mins(10));
    let call = |rate: f64| {
        let (quota, service, home) = (&quota, &service, &home);
        async move { quota.call(home, Operation::GetFindings, Retry::READ, || async { service.takes(rate) }).await }
    };
    let mut done = 0_u32;
    while clock.elapsed() < ten_minutes {
        done += u32::from(call(0.6).await.is_ok());
    }
    let tried = attempts.load(Ordering::Relaxed);
    assert!(f64::from(tried) <= 1.3 * f64::from(done), "{tried} attempts for {done} calls");
    assert!(done >= 270, "{done} of the 360 calls that were left to us");
    let since = clock.elapsed();
    while quota.rate(&home, Class::GetFindings) < 1.8 - 1e-9 {
        call(3.0).await.unwrap();
    }
    let took = clock.elapsed().saturating_sub(since);
    assert!(took < Duration::from_mins(2), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn while_half_of_all_calls_are_throttled_we_ask_seldom_and_come_back() {
    let clock = Arc::new(TokioClock::new());
    let quota = quota(clock.clone(), 60);
    let rng = crate::aws::testing::Seeded::new(3);
    let attempts = AtomicU32::new(0);
    let throttled = AtomicU32::new(50);
    let call = || async {
        attempts.fetch_add(1, Ordering::Relaxed);
        let fails = rng.fraction() * 100.0 < f64::from(throttled.load(Ordering::Relaxed));
        if fails { Err(fail(FailureKind::Throttled)) } else { Ok(()) }
    };
    while clock.elapsed() < Duration::from_mins(10) {
        let _ = quota.call(&region(), Operation::GetFindings, Retry::READ, call).await;
    }
    // Whoever throttles whatever we do cannot be satisfied; our share would have been 1080.
    let tried = attempts.load(Ordering::Relaxed);
    assert!((50..=160).contains(&tried), "{tried}");
    throttled.store(0, Ordering::Relaxed);
    let since = clock.elapsed();
    while quota.rate(&region(), Class::GetFindings) < 1.8 - 1e-9 {
        quota.call(&region(), Operation::GetFindings, Retry::READ, call).await.unwrap();
    }
    let took = clock.elapsed().saturating_sub(since);
    assert!(took < Duration::from_mins(2), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_waiting_costs_nothing() {
    let clock = Arc::new(TokioClock::new());
    let quota = quota(clock.clone(), 1);
    let place = region();
    quota.call(&place, Operation::GetFindings, Retry::READ, || async { Ok::<_, Fail>(()) }).await.unwrap();
    for _ in 0..5 {
        let waiting = quota.call(&place, Operation::GetFindings, Retry::READ, || async { Ok::<_, Fail>(()) });
        assert!(tokio::time::timeout(Duration::from_secs(5), waiting).await.is_err());
    }
    // 0.03 a second: the next token is there 33.3 s after the first, whatever was given up meanwhile.
    quota.call(&place, Operation::GetFindings, Retry::READ, || async { Ok::<_, Fail>(()) }).await.unwrap();
    assert_eq!(clock.elapsed().as_secs(), 33);
}

#[tokio::test(start_paused = true)]
async fn a_new_share_holds_at_once() {
    let clock = Arc::new(TokioClock::new());
    let quota = quota(clock.clone(), 100);
    quota.call(&region(), Operation::GetFindings, Retry::READ, || async { Ok::<_, Fail>(()) }).await.unwrap();
    quota.set_share(Share::percent(10));
    assert!((quota.rate(&region(), Class::GetFindings) - 0.3).abs() < 1e-9);
    assert!((quota.rate(&region(), Class::Other) - 1.0).abs() < 1e-9);
}

struct Lost(AtomicU32);

#[async_trait]
impl Fence for Lost {
    async fn may_write(&self) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed) == 0
    }
}

#[tokio::test(start_paused = true)]
async fn no_retry_of_a_write_starts_after_the_right_to_write_is_lost() {
    for operation in [Operation::BatchUpdateFindings, Operation::TagResource, Operation::UntagResource] {
        let clock = Arc::new(TokioClock::new());
        let quota = Quota::new(clock, Arc::new(crate::aws::testing::Seeded::new(7)), Share::percent(60))
            .with_fence(Arc::new(Lost(AtomicU32::new(0))));
        let count = AtomicU32::new(0);
        let result: Result<(), _> = quota
            .call(&region(), operation, Retry::WRITE, || async {
                count.fetch_add(1, Ordering::Relaxed);
                Err(fail(FailureKind::Throttled))
            })
            .await;
        assert_eq!(result.unwrap_err().kind, FailureKind::Stopped);
        assert_eq!(count.into_inner(), 1, "{operation}");
    }
}

#[tokio::test(start_paused = true)]
async fn every_attempt_is_told_with_its_code() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&told);
    let quota = Quota::new(Arc::new(TokioClock::new()), Arc::new(crate::aws::testing::Seeded::new(7)), Share::percent(60))
        .with_observer(Arc::new(move |attempt: &Attempt<'_>| {
            sink.lock().unwrap().push((attempt.operation.as_str(), attempt.code.to_owned(), attempt.throttled));
        }));
    let nth = AtomicU32::new(0);
    quota
        .call(&region(), Operation::GetFindings, Retry::READ, || async {
            match nth.fetch_add(1, Ordering::Relaxed) {
                0 => Err(Fail { code: Some("TooManyRequestsException".into()), ..fail(FailureKind::Throttled) }),
                1 => Err(fail(FailureKind::Transient)),
                _ => Ok(()),
            }
        })
        .await
        .unwrap();
    let line = |code: &str, throttled| ("GetFindings", code.to_owned(), throttled);
    let expected = [line("TooManyRequestsException", true), line("Transient", false), line("OK", false)];
    assert_eq!(*told.lock().unwrap(), expected);
}
