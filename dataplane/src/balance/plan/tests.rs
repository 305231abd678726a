use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits { start: 1.25, target: 1.1, moves: 64 };

fn carry_out(owners: &mut [u16], plan: &Plan) {
    for to_do in &plan.moves {
        owners[usize::from(to_do.bucket)] = to_do.to;
    }
}

#[test]
fn uneven_workers_become_even() {
    // Buckets of very different load, as hosts are.
    let loads: Vec<f64> = (0..1024).map(|bucket| 1000.0 / f64::from(1 + bucket)).collect();
    // All the heavy ones on the first worker.
    let mut owners: Vec<u16> = (0..1024).map(|bucket| if bucket < 40 { 0 } else { bucket % 8 }).collect();
    assert!(imbalance(&totals(&owners, &loads, 8)) > 3.0);
    let limits = Limits { moves: 1024, ..LIMITS };
    let plan = plan(&owners, &loads, 8, &limits);
    carry_out(&mut owners, &plan);
    // Bucket 0 alone is 13 % of all, a little more than an eighth.
    assert_eq!(plan.elephants, [0]);
    let rest = totals(&owners, &loads, 8);
    assert!(imbalance(&rest) <= LIMITS.target, "{rest:?}");
}

#[test]
fn nothing_moves_below_the_start() {
    let loads = [6.0, 5.0, 5.0, 4.0];
    let plan = plan(&[0, 0, 1, 1], &loads, 2, &LIMITS);
    assert_eq!(plan, Plan::default());
}

#[test]
fn an_elephant_stays_and_the_others_leave_it() {
    let mut owners: Vec<u16> = (0..400).map(|bucket| bucket % 4).collect();
    let mut loads = vec![1.0; 400];
    loads[8] = 400.0;
    let mut rounds = 0;
    loop {
        let plan = plan(&owners, &loads, 4, &LIMITS);
        assert_eq!(plan.elephants, [8]);
        if plan.moves.is_empty() {
            break;
        }
        assert!(plan.moves.iter().all(|to_do| to_do.bucket != 8));
        carry_out(&mut owners, &plan);
        rounds += 1;
        assert!(rounds < 10);
    }
    let with_elephant = owners.iter().filter(|owner| **owner == owners[8]).count();
    assert_eq!(with_elephant, 1);
    let others: Vec<f64> = totals(&owners, &loads, 4).into_iter().skip(1).collect();
    assert!(imbalance(&others) <= LIMITS.target, "{others:?}");
}

#[test]
fn no_load_and_one_worker_are_even() {
    assert_eq!(plan(&[0, 1], &[0.0, 0.0], 2, &LIMITS), Plan::default());
    assert_eq!(plan(&[0, 0], &[5.0, 1.0], 1, &LIMITS), Plan::default());
}

proptest! {
    #[test]
    fn no_move_makes_anything_worse_and_there_is_an_end(
        buckets in prop::collection::vec((0..6_u16, 0.0..100.0_f64, any::<bool>()), 1..200),
        workers in 2..7_usize,
        moves in 0..40_usize,
    ) {
        let mut owners: Vec<u16> = buckets.iter().map(|(owner, ..)| owner % workers as u16).collect();
        let loads: Vec<f64> = buckets.iter().map(|(_, load, heavy)| if *heavy { load * load } else { *load }).collect();
        let limits = Limits { moves, ..LIMITS };
        let mut rounds = 0;
        loop {
            let plan = plan(&owners, &loads, workers, &limits);
            prop_assert!(plan.moves.len() <= moves);
            if plan.moves.is_empty() {
                break;
            }
            let first = imbalance(&totals(&owners, &loads, workers));
            prop_assert!(first > LIMITS.start);
            for to_do in &plan.moves {
                let before = totals(&owners, &loads, workers);
                let bucket = usize::from(to_do.bucket);
                let (from, to, load) = (usize::from(owners[bucket]), usize::from(to_do.to), loads[bucket]);
                prop_assert!(from != to && load < before[from] - before[to]);
                owners[bucket] = to_do.to;
                let after = totals(&owners, &loads, workers);
                prop_assert!(imbalance(&after) <= imbalance(&before) + 1e-9);
            }
            rounds += 1;
            prop_assert!(rounds < 1000, "no end");
        }
        if moves > 0 {
            // What is left uneven can not be helped: no bucket of the busiest worker fits into any gap.
            let rest = totals(&owners, &loads, workers);
            let mean = rest.iter().sum::<f64>() / workers as f64;
            let (busiest, most) = rest.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
            let least = rest.iter().copied().fold(f64::MAX, f64::min);
            let fits = (0..loads.len()).any(|bucket| {
                usize::from(owners[bucket]) == busiest
                    && loads[bucket] > WORTHWHILE * mean
                    && loads[bucket] <= mean
                    && loads[bucket] < most - least
            });
            prop_assert!(most <= LIMITS.start * mean || !fits, "{rest:?}");
        }
    }
}
