"""`make lab` starts JupyterLab with this: a notebook is tidied each time it is saved."""

from nbdev.clean import clean_jupyter

c = get_config()  # noqa: F821: Jupyter provides it
c.ContentsManager.pre_save_hook = clean_jupyter
