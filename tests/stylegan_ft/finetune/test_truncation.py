"""Conditional truncation."""

from __future__ import annotations

import torch

from stylegan_ft.finetune.truncation import MOVING, ConditionalTruncation, cells_of


def test_cells_are_the_signs_of_the_label():
    label = torch.tensor([[-1.0, -2.0], [0.0, -1.0], [-1.0, 3.0], [0.5, 0.5]])
    assert cells_of(label).tolist() == [0, 1, 2, 3]


def test_each_cell_moves_towards_the_mean_of_its_own_rows():
    truncation = ConditionalTruncation(1, torch.zeros(2))
    w = torch.tensor([[2.0, 0.0], [4.0, 0.0], [0.0, 6.0]])
    truncation.update(w, torch.tensor([[1.0], [2.0], [-1.0]]))
    wanted = (1 - MOVING) * torch.tensor([[0.0, 6.0], [3.0, 0.0]])
    torch.testing.assert_close(truncation.cells, wanted)


def test_a_cell_without_rows_stays():
    truncation = ConditionalTruncation(1, torch.tensor([5.0]))
    truncation.update(torch.zeros(1, 1), torch.tensor([[1.0]]))
    assert truncation.cells[0].item() == 5.0
    assert truncation.cells[1].item() < 5.0


def test_truncation_draws_towards_the_own_cell():
    truncation = ConditionalTruncation(1, torch.zeros(1))
    truncation.cells.copy_(torch.tensor([[-10.0], [10.0]]))
    w, label = torch.tensor([[2.0], [2.0]]), torch.tensor([[-1.0], [1.0]])
    assert truncation(w, label, psi=0.5).flatten().tolist() == [-4.0, 6.0]
    assert torch.equal(truncation(w, label, psi=1.0), w)
