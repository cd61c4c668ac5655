{{- define "muster.fullname" -}}
{{- if .Values.fullnameOverride }}{{ .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}
{{- end }}

{{/* Labels that never change in the life of a release: selectors are made of them. Takes (dict "root" $ "role" name). */}}
{{- define "muster.selector" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .role }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{- define "muster.labels" -}}
{{ include "muster.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "muster.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ default (include "muster.fullname" .) .Values.serviceAccount.name }}
{{- else }}{{ default "default" .Values.serviceAccount.name }}{{ end }}
{{- end }}

{{- define "muster.secret" -}}
{{ default (include "muster.fullname" .) .Values.existingSecret }}
{{- end }}

{{- define "muster.filesClaim" -}}
{{ default (printf "%s-files" (include "muster.fullname" .)) .Values.objectStore.local.existingClaim }}
{{- end }}

{{/* What a role says over the defaults, as YAML. Takes (dict "root" $ "role" name). */}}
{{- define "muster.role" -}}
{{ mergeOverwrite (deepCopy .root.Values.roleDefaults) (deepCopy (index .root.Values.roles .role | default dict)) | toYaml }}
{{- end }}

{{/* Comma separated services that have a database of their own. */}}
{{- define "muster.ownDatabases" -}}
{{- if .Values.existingSecret }}{{ join "," .Values.existingSecretServiceDatabases }}
{{- else }}{{ keys .Values.database.perService | sortAlpha | join "," }}{{ end }}
{{- end }}
