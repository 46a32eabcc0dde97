import subprocess
import sys

import torch

from pipeline.training.batches import batches_in, epoch_loader, workers_beside


def draw(index):
    return torch.tensor([index, torch.randint(0, 10**9, ()).item()])


def items(epoch, seed=1):
    return torch.cat(list(epoch_loader(draw, 10, 4, seed, epoch, collate=torch.stack)))


def test_items_do_not_depend_on_what_was_drawn_before():
    first = items(0)
    torch.rand(7)
    assert torch.equal(first, items(0))
    assert not torch.equal(first, items(1))
    assert not torch.equal(first, items(0, seed=2))


def test_short_last_batches_are_dropped_unless_there_is_no_other():
    assert len(items(0)) == 8 == 4 * batches_in(10, 4)
    assert [len(b) for b in epoch_loader(draw, 3, 4, 1, 0, collate=torch.stack)] == [3]


def test_drawing_leaves_the_global_state_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    epoch_loader(draw, 4, 4, 1, 0, collate=torch.stack).dataset[2]
    assert torch.equal(expected, torch.rand(3))


def test_processes_that_make_items_make_the_same():
    # In a process of its own: forking one in which other tests have left threads may never come back.
    told = subprocess.run([sys.executable, __file__], capture_output=True, text=True, timeout=500, check=True).stdout
    assert told.split() == [str(number) for number in items(0).flatten().tolist()]


def test_the_cpu_trains_and_makes_items_by_itself():
    assert workers_beside(torch.device("cpu")) == 0
    assert 0 <= workers_beside(torch.device("cuda")) <= 8


if __name__ == "__main__":
    print(*torch.cat(list(epoch_loader(draw, 10, 4, 1, 0, torch.stack, workers=2))).flatten().tolist())
