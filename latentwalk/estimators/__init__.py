"""The scikit-learn faces: `Autoencoder`, `AnomalyDetector`, and what is under them."""
