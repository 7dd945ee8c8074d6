"""Plays years of two CRMs against several workers, every interleaving and every fault drawn from a seed."""
