"""Renderers of a Report: terminal, JSON, CSV. They see the Report and nothing else."""

from whosasking.reports.interface import FORMATS, Options, Renderer, renderer

__all__ = ["FORMATS", "Options", "Renderer", "renderer"]
