use super::*;

/// Two nodes, on each `cores` cores of two CPUs, numbered as Linux does: first all cores,
/// then their siblings.
fn host(cores: usize) -> Vec<Cpu> {
    (0..4 * cores)
        .map(|id| {
            let core = id % (2 * cores);
            Cpu { id, node: Some((core / cores) as u32), core }
        })
        .collect()
}

#[test]
fn workers_get_whole_cores_on_the_node_of_the_ports() {
    let placement = place(&host(4), 1, 3, Some(1));
    assert_eq!(placement.housekeeping, [0, 8]);
    assert_eq!(placement.receivers, [4]);
    assert_eq!(placement.workers, [5, 6, 7]);
    assert!(!placement.shared);
}

#[test]
fn other_cores_come_before_siblings() {
    let placement = place(&host(2), 0, 6, Some(1));
    assert_eq!(placement.workers, [2, 3, 1, 6, 7, 5]);
    assert!(!placement.shared);
}

#[test]
fn without_a_node_the_order_is_that_of_the_numbers() {
    assert_eq!(place(&host(2), 1, 2, None).workers, [2, 3]);
}

#[test]
fn few_cpus_are_shared() {
    let cpu = |id| Cpu { id, node: None, core: id };
    let two = place(&[cpu(0), cpu(1)], 1, 2, None);
    assert_eq!(two.housekeeping, [0]);
    assert_eq!((two.receivers, two.workers, two.shared), (vec![1], vec![0, 1], true));
    let one = place(&[cpu(3)], 1, 2, None);
    assert_eq!((one.housekeeping, one.receivers, one.workers), (vec![3], vec![3], vec![3, 3]));
    assert!(!place(&[cpu(0), cpu(1)], 0, 1, None).shared);
}

#[test]
fn topology_is_read_from_sysfs() {
    let root = tempfile::tempdir().unwrap();
    for (id, siblings, node) in [(0, "0,2\n", "node0"), (2, "0,2\n", "node0"), (5, "5-6\n", "node1")] {
        let folder = root.path().join(format!("cpu{id}"));
        fs::create_dir_all(folder.join("topology")).unwrap();
        fs::create_dir(folder.join(node)).unwrap();
        fs::write(folder.join("topology/thread_siblings_list"), siblings).unwrap();
    }
    assert_eq!(
        cpus_in(root.path(), &[0, 2, 5, 9]),
        [
            Cpu { id: 0, node: Some(0), core: 0 },
            Cpu { id: 2, node: Some(0), core: 0 },
            Cpu { id: 5, node: Some(1), core: 5 },
            Cpu { id: 9, node: None, core: 9 },
        ]
    );
}
