"""The other doors: Gradio's API endpoints, pictures, and what runs beside them."""
